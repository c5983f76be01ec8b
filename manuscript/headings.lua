-- For Quarto and pandoc alike. Markdown's tables have no cells that span columns: a row in which one cell is bold and the
-- others are empty is a heading over the rows below it, and here it gets the room that the others leave.
local function heading(cell)
  local block = #cell.contents == 1 and cell.contents[1]
  return block and block.content and #block.content == 1 and block.content[1].t == "Strong"
end

function Table(shown)
  for _, body in ipairs(shown.bodies) do
    for _, row in ipairs(body.body) do
      local filled = row.cells:filter(function(cell) return #cell.contents > 0 end)
      if #row.cells > 1 and #filled == 1 and heading(filled[1]) then
        local first = 1
        while #row.cells[first].contents == 0 do first = first + 1 end
        filled[1].col_span = #row.cells - first + 1
        filled[1].alignment = "AlignLeft"
        local cells = pandoc.List({ table.unpack(row.cells, 1, first - 1) })
        cells:insert(filled[1])
        row.cells = cells
      end
    end
  end
  if not FORMAT:match("^html") then return shown end
  for _, row in ipairs(shown.head.rows) do
    for _, cell in ipairs(row.cells) do cell.attributes.scope = "col" end
  end
  -- Pairs, since the order of a table with keys changes from run to run.
  return pandoc.Div({ shown }, pandoc.Attr("", { "scroll" }, { { "tabindex", "0" }, { "role", "group" }, { "aria-label", "Table" } }))
end

-- Word and JATS take the description of a picture from its caption, which neither renderer fills from `fig-alt`.
function Image(image)
  local description = image.attributes["fig-alt"] or image.attributes.alt
  if (FORMAT == "docx" or FORMAT:match("^jats")) and description then image.caption = { pandoc.Str(description) } end
  return image
end
