-- Takes from what may be asked of Cloud Monitoring in one minute. KEYS[1]: that minute's count of one project.
-- ARGV: how many are wanted, how many may be used in all, seconds that the count is kept. Returns how many are given.
local used = tonumber(redis.call('GET', KEYS[1]) or '0')
local given = math.min(tonumber(ARGV[1]), tonumber(ARGV[2]) - used)
if given <= 0 then
  return 0
end
redis.call('INCRBY', KEYS[1], given)
redis.call('EXPIRE', KEYS[1], ARGV[3])
return given
