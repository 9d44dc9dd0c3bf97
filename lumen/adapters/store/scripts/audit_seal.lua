-- Seal the next entries of the audit; fenced, and only onto the seal that the caller has built on.
-- ARGV    3 the newest seal as the caller knows it or '', 4 the new seal, 5 lease, 6 its token
-- Reply   OK | LEASE_LOST | MOVED
if not holds(ARGV[5], ARGV[6]) then return { 'LEASE_LOST', NOW } end
local newest = redis.call('LINDEX', SEALS, -1) or ''
if newest == ARGV[4] then return { 'OK', NOW } end
if newest ~= ARGV[3] then return { 'MOVED', NOW } end
redis.call('RPUSH', SEALS, ARGV[4])
return { 'OK', NOW }
