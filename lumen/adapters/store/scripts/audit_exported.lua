-- Remember up to which seal the audit has been exported; it only grows.
-- ARGV    3 number of the seal
-- Reply   OK
local before = redis.call('HGET', SLOTS, 'audit exported')
if not before or tonumber(before) < tonumber(ARGV[3]) then redis.call('HSET', SLOTS, 'audit exported', ARGV[3]) end
return { 'OK', NOW }
