-- Be known as alive for a while. Stands alone: it is no service's key.
-- KEYS    1 the replicas, by the millisecond until which each is known as alive
-- ARGV    1 name, 2 milliseconds
-- Reply   the names of all that are alive
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local till = now + tonumber(ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
-- Far later than any is: of before the store's clock stepped back. Who lives says so again.
redis.call('ZREMRANGEBYSCORE', KEYS[1], string.format('%.0f', till + 120000), '+inf')
redis.call('ZADD', KEYS[1], string.format('%.0f', till), ARGV[1])
return redis.call('ZRANGE', KEYS[1], 0, -1)
