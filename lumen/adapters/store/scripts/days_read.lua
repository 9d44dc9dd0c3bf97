-- The sums of the days, as lines of one text (turns_of.lua): field, value, field, value …
-- ARGV    3 the first day that is wanted, 4 'costs': only what a day cost, and its slices; '' for all
-- Reply   OK lines ('' for none)
local since, found, stored = ARGV[3], {}, redis.call('HGETALL', DAYS)
for at = 1, #stored, 2 do
  local field = stored[at]  -- "2026-11-22/" and the name of the sum
  local is_wanted = ARGV[4] == '' or string.find(field, '/cost_', 11, true) or string.sub(field, 11) == '/slices'
  if field >= since and is_wanted then
    found[#found + 1] = field
    found[#found + 1] = stored[at + 1]
  end
end
return { 'OK', NOW, table.concat(found, '\n') }
