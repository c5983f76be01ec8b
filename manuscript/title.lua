-- For Quarto and pandoc alike. Their titles name authors and leave out where they work, so that an author is one line
-- here: name, affiliation, address, ORCID. Quarto's own page shows all of it already.
local stringify = pandoc.utils.stringify

local function line(author)
  if pandoc.utils.type(author) ~= "table" then return stringify(author) end
  local name = author.name
  local parts = { stringify(type(name) == "table" and name.literal or name) }
  for _, affiliation in ipairs(author.affiliations or { author.affiliation }) do
    parts[#parts + 1] = stringify(affiliation.name or affiliation)
  end
  if author.email then parts[#parts + 1] = stringify(author.email) end
  if author.orcid then parts[#parts + 1] = "ORCID " .. stringify(author.orcid) end
  return table.concat(parts, ", ")
end

function Meta(meta)
  local authors = pandoc.List(meta["by-author"] or meta.author or {})
  meta.author = authors:map(function(author) return pandoc.MetaInlines({ pandoc.Str(line(author)) }) end)
  return meta
end

-- Quarto puts a heading without a number into a block, in which it doesn't stay with what follows it.
-- The figures of the results stand before the discussion. The supplement begins a page, and no figure of the text stands in it.
function Header(header)
  if FORMAT ~= "typst" then return nil end
  if header.identifier == "sec-discussion" then return { pandoc.RawBlock("typst", "#place.flush()"), header } end
  if header.identifier == "sec-supplement" then
    return { pandoc.RawBlock("typst", "#place.flush()\n#pagebreak(weak: true)"), header }
  end
  if not header.classes:includes("unnumbered") then return nil end
  local line = pandoc.Inlines(header.content)
  line:insert(1, pandoc.RawInline("typst", "#heading(level: " .. header.level .. ", numbering: none)["))
  line:insert(pandoc.RawInline("typst", "] <" .. header.identifier .. ">"))
  return pandoc.Plain(line)
end
