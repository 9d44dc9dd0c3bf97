-- Hold a lease longer, never shorter.
-- ARGV    3 name, 4 token, 5 milliseconds
-- Reply   OK | LEASE_LOST
if not holds(ARGV[3], ARGV[4]) then return { 'LEASE_LOST', NOW } end
redis.call('ZADD', LEASE_UNTIL, 'GT', digits(now + tonumber(ARGV[5])), ARGV[3])
return { 'OK', NOW }
