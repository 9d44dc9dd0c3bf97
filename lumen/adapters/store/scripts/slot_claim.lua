-- Claim a slot of a schedule: newer than the last one done, and nobody at work on that schedule.
-- ARGV    3 schedule, 4 slot in milliseconds, 5 milliseconds to hold it
-- Reply   OK token | HELD | DONE
local name = 'slot/' .. ARGV[3]
local done = redis.call('HGET', SLOTS, ARGV[3])
if done and tonumber(ARGV[4]) <= tonumber(done) then return { 'DONE', NOW } end
local till = redis.call('ZSCORE', LEASE_UNTIL, name)
if till and tonumber(till) > now then return { 'HELD', NOW } end
local token = digits(redis.call('HINCRBY', EPOCH, 'fence', 1))
redis.call('HSET', LEASE_TOKENS, name, token)
redis.call('ZADD', LEASE_UNTIL, digits(now + tonumber(ARGV[5])), name)
return { 'OK', NOW, token }
