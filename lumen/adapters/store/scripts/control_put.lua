-- Remember one thing that stands over the service, or forget it.
-- ARGV    3 field, 4 value or '', 5 at, 6 actor, 7 event or '' (not audited), 8 detail
-- Reply   OK whether there was one before
local before = redis.call('HGET', STANDING, ARGV[3])
if before == ARGV[4] or (not before and ARGV[4] == '') then return { 'OK', NOW, before and '1' or '' } end
if ARGV[4] == '' then
  redis.call('HDEL', STANDING, ARGV[3])
else
  redis.call('HSET', STANDING, ARGV[3], ARGV[4])
end
if ARGV[7] ~= '' then audit(ARGV[5], ARGV[7], '', ARGV[6], ARGV[8], ARGV[4]) end
return { 'OK', NOW, before and '1' or '' }
