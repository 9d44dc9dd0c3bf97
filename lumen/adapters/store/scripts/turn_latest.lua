-- The newest turns first.
-- ARGV    3 how many
-- Reply   OK { turn, … }
local ids = redis.call('ZREVRANGE', TURN_ORDER, 0, tonumber(ARGV[3]) - 1)
if #ids == 0 then return { 'OK', NOW, {} } end
return { 'OK', NOW, redis.call('HMGET', TURNS, unpack(ids)) }
