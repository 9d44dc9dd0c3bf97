-- All parts of a day's accesses, or one.
-- DEDUPE  as of accesses_put
-- ARGV    3 the day, 4 the hour or ''
-- Reply   OK, the parts
if ARGV[4] ~= '' then return { 'OK', NOW, { redis.call('HGET', DEDUPE, ARGV[3] .. '/' .. ARGV[4]) or nil } } end
local names = {}
for _, name in ipairs(redis.call('HKEYS', DEDUPE)) do
  if string.sub(name, 1, #ARGV[3] + 1) == ARGV[3] .. '/' then names[#names + 1] = name end
end
table.sort(names)
local pieces = {}
for at, name in ipairs(names) do pieces[at] = redis.call('HGET', DEDUPE, name) end
return { 'OK', NOW, pieces }
