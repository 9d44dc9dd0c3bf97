-- Take a lease that nobody holds. Tokens come from one counter for all names, so they only ever grow.
-- ARGV    3 name, 4 milliseconds
-- Reply   OK token | HELD
if is_held(ARGV[3], ARGV[4]) then return { 'HELD', NOW } end
-- Leases of crashed holders whose names nobody asks for again.
for _, name in ipairs(redis.call('ZRANGEBYSCORE', LEASE_UNTIL, '-inf', NOW, 'LIMIT', 0, 10)) do
  redis.call('ZREM', LEASE_UNTIL, name)
  redis.call('HDEL', LEASE_TOKENS, name)
end
local token = next_token()
redis.call('HSET', LEASE_TOKENS, ARGV[3], token)
redis.call('ZADD', LEASE_UNTIL, digits(now + tonumber(ARGV[4])), ARGV[3])
return { 'OK', NOW, token }
