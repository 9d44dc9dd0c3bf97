-- The newest turns first, each a line of one text (turns_of.lua).
-- ARGV    3 how many
-- Reply   OK lines ('' for none)
local ids = redis.call('ZREVRANGE', TURN_ORDER, 0, tonumber(ARGV[3]) - 1)
if #ids == 0 then return { 'OK', NOW, '' } end
return { 'OK', NOW, table.concat(redis.call('HMGET', TURNS, unpack(ids)), '\n') }
