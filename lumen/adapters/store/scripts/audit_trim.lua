-- Drop the oldest sealed and exported entries together with their seals; the newest seal always stays.
-- ARGV    3 the oldest seal as the caller knows it, 4 how many seals to drop, 5 the lowest entry id to keep
-- Reply   OK how many entries were dropped | MOVED
if redis.call('LINDEX', SEALS, 0) ~= ARGV[3] then return { 'MOVED', NOW } end
local dropped = redis.call('XTRIM', AUDIT, 'MINID', '=', ARGV[5])
redis.call('LTRIM', SEALS, ARGV[4], -1)
return { 'OK', NOW, dropped }
