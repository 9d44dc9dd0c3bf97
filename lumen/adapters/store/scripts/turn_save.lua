-- Remember a turn and mark the surface that reports it; the oldest turns give way, and before that what later turns
-- need of them. Under the claim of a slot that is done with it: whoever dies now leaves no turn to be made again.
-- ARGV    3 id, 4 turn, 5 started at in milliseconds, 6 report surface's key, 7 how many to keep, 8 lease or '',
--         9 its token, 10 what later turns need of it, 11 for how many that is kept, 12 slot in milliseconds
-- Reply   OK | LEASE_LOST
if ARGV[8] ~= '' and not holds(ARGV[8], ARGV[9]) then return { 'LEASE_LOST', NOW } end
redis.call('HSET', TURNS, ARGV[3], ARGV[4], 'past/' .. ARGV[3], ARGV[10])
redis.call('ZADD', TURN_ORDER, ARGV[5], ARGV[3])
for _, old in ipairs(redis.call('ZREVRANGE', TURN_ORDER, ARGV[11], ARGV[11])) do
  redis.call('HDEL', TURNS, 'past/' .. old)
end
for _, old in ipairs(redis.call('ZRANGE', TURN_ORDER, 0, -1 - tonumber(ARGV[7]))) do
  redis.call('HDEL', TURNS, old, 'past/' .. old)
  redis.call('ZREM', TURN_ORDER, old)
end
redis.call('HSET', SLOTS, 'report surface', ARGV[6])
mark('report/' .. ARGV[6])
local schedule = string.match(ARGV[8], '^slot/(.+)$')
if schedule then close_slot(schedule, ARGV[12], ARGV[9]) end
return { 'OK', NOW }
