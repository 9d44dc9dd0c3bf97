-- Claim a slot of a schedule: newer than the last one done, and nobody at work on that schedule.
-- ARGV    3 schedule, 4 slot in milliseconds, 5 milliseconds to hold it, 6 the newest slot that can be, or ''
-- Reply   OK token | HELD | DONE
local name = 'slot/' .. ARGV[3]
local done = redis.call('HGET', SLOTS, ARGV[3])
-- One that is done and has not come yet was taken by a clock that was ahead: it holds up nothing.
local is_to_come = done and ARGV[6] ~= '' and tonumber(done) > tonumber(ARGV[6])
if done and not is_to_come and tonumber(ARGV[4]) <= tonumber(done) then return { 'DONE', NOW } end
if is_held(name, ARGV[5]) then return { 'HELD', NOW } end
if is_to_come then redis.call('HDEL', SLOTS, ARGV[3]) end
local token = next_token()
redis.call('HSET', LEASE_TOKENS, name, token)
redis.call('ZADD', LEASE_UNTIL, digits(now + tonumber(ARGV[5])), name)
return { 'OK', NOW, token }
