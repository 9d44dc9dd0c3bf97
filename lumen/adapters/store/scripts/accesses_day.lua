-- A part of a day's accesses, or which parts there are.
-- DEDUPE  as of accesses_put
-- ARGV    3 the day, 4 the hour or ''
-- Reply   OK, the part in a list; without an hour: the hours, in order
if ARGV[4] ~= '' then return { 'OK', NOW, { redis.call('HGET', DEDUPE, ARGV[3] .. '/' .. ARGV[4]) or nil } } end
local hours = {}
for _, name in ipairs(redis.call('HKEYS', DEDUPE)) do
  if string.sub(name, 1, #ARGV[3] + 1) == ARGV[3] .. '/' then hours[#hours + 1] = string.sub(name, #ARGV[3] + 2) end
end
table.sort(hours)
return { 'OK', NOW, hours }
