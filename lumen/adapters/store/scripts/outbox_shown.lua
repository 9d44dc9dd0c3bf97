-- A surface's message shows this version; it stays behind when it was marked again meanwhile.
-- ARGV    3 surface, 4 version, 5 "channel ts", 6 milliseconds to remember surfaces that are not behind
-- Reply   OK
redis.call('HSET', SHOWN, ARGV[3], ARGV[5])
redis.call('ZADD', SHOWN_AT, NOW, ARGV[3])
if redis.call('HGET', MARKS, ARGV[3]) == ARGV[4] then redis.call('ZREM', DIRTY, ARGV[3]) end
-- Messages that nobody edits any more are forgotten, a few at a time, so that memory stays bounded.
local long_ago = digits(now - tonumber(ARGV[6]))
for _, surface in ipairs(redis.call('ZRANGEBYSCORE', SHOWN_AT, '-inf', '(' .. long_ago, 'LIMIT', 0, 5)) do
  if not redis.call('ZSCORE', DIRTY, surface) then
    redis.call('HDEL', MARKS, surface)
    redis.call('HDEL', SHOWN, surface)
  end
  redis.call('ZREM', SHOWN_AT, surface)
end
return { 'OK', NOW }
