-- Hold a lease longer, never shorter; but for one that seems to end too late, since the store's clock stepped back.
-- ARGV    3 name, 4 token, 5 milliseconds
-- Reply   OK | LEASE_LOST
if not holds(ARGV[3], ARGV[4]) then return { 'LEASE_LOST', NOW } end
local till = digits(now + tonumber(ARGV[5]))
if is_held(ARGV[3], ARGV[5]) then
  redis.call('ZADD', LEASE_UNTIL, 'GT', till, ARGV[3])
else
  redis.call('ZADD', LEASE_UNTIL, till, ARGV[3])
end
return { 'OK', NOW }
