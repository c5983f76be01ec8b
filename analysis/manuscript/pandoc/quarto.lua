-- What only Quarto knows, for pandoc: numbered cross-references to figures, tables and sections
-- in Quarto's div syntax. Includes, values and conditions are resolved before either renderer
-- runs (analysis/manuscript/source.py).
--
-- Whatever can't be resolved is written to standard error as `problem: KIND NAME`, one a line,
-- and pandoc then stops, so that nothing missing ends up in a manuscript.

local names = { fig = "Figure", tbl = "Table", sec = "Section" }
local problems = {}

local function problem(kind, name)
  problems[#problems + 1] = "problem: " .. kind .. " " .. name
end

local function kind_of(identifier)
  local kind = identifier:match("^(%a+)%-")
  return kind ~= nil and names[kind] ~= nil and kind or nil
end

-- Numbers of all targets, counted in the order of the document, as Quarto counts.
local function count(blocks)
  local numbers, counters, sections = {}, { fig = 0, tbl = 0 }, {}
  local function register(identifier)
    local kind = kind_of(identifier)
    if kind == "fig" or kind == "tbl" then
      if numbers[identifier] then problem("double", identifier) end
      counters[kind] = counters[kind] + 1
      numbers[identifier] = tostring(counters[kind])
    end
  end
  blocks:walk({
    traverse = "topdown",
    Header = function(header)
      if header.classes:includes("unnumbered") then return nil end
      sections[header.level] = (sections[header.level] or 0) + 1
      for level = header.level + 1, 6 do sections[level] = nil end
      local parts = {}
      for level = 1, header.level do parts[level] = tostring(sections[level] or 0) end
      if kind_of(header.identifier) == "sec" then numbers[header.identifier] = table.concat(parts, ".") end
    end,
    Div = function(div) register(div.identifier) end,
    Figure = function(figure) register(figure.identifier) end,
  })
  return numbers
end

local function numbered(identifier, numbers, caption)
  local kind = kind_of(identifier)
  local label = pandoc.Strong({ pandoc.Str(names[kind] .. "\u{a0}" .. numbers[identifier] .. ":") })
  return pandoc.Inlines({ label, pandoc.Space() }) .. caption
end

-- A div with a target's name holds its content and, last, the paragraph that is its caption.
local function float(div, numbers)
  local kind = kind_of(div.identifier)
  if kind ~= "fig" and kind ~= "tbl" then return nil end
  local caption = div.content[#div.content]
  if caption == nil or caption.t ~= "Para" or #div.content < 2 then
    problem("caption", div.identifier)
    return nil
  end
  local content = pandoc.Blocks({ table.unpack(div.content, 1, #div.content - 1) })
  local inlines = numbered(div.identifier, numbers, caption.content)
  if kind == "tbl" then
    local found = content:find_if(function(block) return block.t == "Table" end)
    if found == nil then
      problem("table", div.identifier)
      return nil
    end
    found.caption = { long = { pandoc.Plain(inlines) } }
    if FORMAT == "typst" then -- a block would hold its table where it stands
      found.identifier = div.identifier
      return content
    end
    return pandoc.Div(content, pandoc.Attr(div.identifier, { "float-table" }))
  end
  for index, block in ipairs(content) do
    if block.t == "Figure" then content[index] = block.content[1] end
    if block.t == "Para" then content[index] = pandoc.Plain(block.content) end
  end
  return pandoc.Figure(content, { long = { pandoc.Plain(inlines) } }, pandoc.Attr(div.identifier))
end

local function reference(cite, numbers)
  local inlines, others = pandoc.Inlines({}), 0
  for _, citation in ipairs(cite.citations) do
    local kind = kind_of(citation.id)
    if kind == nil then
      others = others + 1
    else
      local number = numbers[citation.id]
      if number == nil then problem("reference", citation.id) end
      local text = names[kind] .. "\u{a0}" .. (number or "?")
      if citation.mode == "SuppressAuthor" then text = number or "?" end
      if #inlines > 0 then inlines:extend({ pandoc.Str(","), pandoc.Space() }) end
      inlines:insert(pandoc.Link(text, "#" .. citation.id))
    end
  end
  if #inlines == 0 then return nil end
  if others > 0 then problem("mixed", cite.citations[1].id) end
  return inlines
end

-- JATS has its abstract in front, where the other formats have a section.
local function move_abstract(doc)
  local abstract, body, inside = pandoc.Blocks({}), pandoc.Blocks({}), false
  for _, block in ipairs(doc.blocks) do
    if block.t == "Header" and block.level == 1 then inside = block.identifier == "abstract" end
    if not inside then
      body:insert(block)
    elseif block.t ~= "Header" then
      abstract:insert(block)
    end
  end
  if #abstract > 0 then doc.meta.abstract = abstract end
  doc.blocks = body
end

-- An author's affiliation in the form that pandoc's JATS knows.
local function affiliate(doc)
  local number = 0
  for _, author in ipairs(doc.meta.author or {}) do
    if author.affiliation then
      number = number + 1
      author.affiliation = { { id = tostring(number), name = author.affiliation } }
    end
  end
end

local function exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

function Pandoc(doc)
  local numbers = count(doc.blocks)
  local known = {}
  for _, entry in ipairs(pandoc.utils.references(doc)) do known[entry.id] = true end
  doc.blocks = doc.blocks:walk({ Div = function(div) return float(div, numbers) end })
  doc.blocks = doc.blocks:walk({
    Figure = function(figure)
      if kind_of(figure.identifier) == "fig" and #figure.caption.long > 0
          and not pandoc.utils.stringify(figure.caption.long):match("^Figure\u{a0}") then
        figure.caption.long[1].content = numbered(figure.identifier, numbers, figure.caption.long[1].content)
      end
      return figure
    end,
    Image = function(image)
      if not image.src:match("^%a+:") and not exists(image.src) then problem("image", image.src) end
      if image.attributes["fig-alt"] then
        image.attributes["alt"] = image.attributes["fig-alt"]
        image.attributes["fig-alt"] = nil
      end
      return image
    end,
    Cite = function(cite)
      for _, citation in ipairs(cite.citations) do
        if kind_of(citation.id) == nil and not known[citation.id] then problem("citation", citation.id) end
      end
      return reference(cite, numbers)
    end,
  })
  if FORMAT:match("^jats") then
    move_abstract(doc)
    affiliate(doc)
  end
  if #problems > 0 then
    io.stderr:write(table.concat(problems, "\n") .. "\n")
    error("the manuscript has holes")
  end
  return doc
end
