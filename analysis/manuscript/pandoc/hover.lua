-- After citeproc: each citation shows its reference when the pointer rests on it.
local entries = {}

local function plain(block)
  return (pandoc.utils.stringify(block):gsub("%s+", " "))
end

return {
  { Div = function(div)
      if div.identifier:match("^ref%-") then entries["#" .. div.identifier] = plain(div) end
    end },
  { Link = function(link)
      if entries[link.target] then link.title = entries[link.target] end
      return link
    end },
}
