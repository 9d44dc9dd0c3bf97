-- Mark a claimed slot done for ever, and let go of its schedule.
-- ARGV    3 schedule, 4 slot in milliseconds, 5 token
-- Reply   OK | LEASE_LOST
local name = 'slot/' .. ARGV[3]
local done = redis.call('HGET', SLOTS, ARGV[3])
if not holds(name, ARGV[5]) then
  -- The same call again, after its answer was lost.
  if done == ARGV[4] and redis.call('HGET', SLOTS, ARGV[3] .. '/by') == ARGV[5] then return { 'OK', NOW } end
  return { 'LEASE_LOST', NOW }
end
close_slot(ARGV[3], ARGV[4], ARGV[5])
redis.call('HDEL', LEASE_TOKENS, name)
redis.call('ZREM', LEASE_UNTIL, name)
return { 'OK', NOW }
