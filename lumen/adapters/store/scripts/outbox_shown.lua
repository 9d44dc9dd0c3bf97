-- A surface's message shows this version; it stays behind when it was marked again meanwhile.
-- ARGV    3 surface, 4 version, 5 "channel ts", 6 milliseconds to remember surfaces that are not behind,
--         7 the mark of the proposal that it shows, or ''
-- Reply   OK
-- The store was lost or restored while Slack was asked: another proposal has that id, and this message is none of its.
local id = string.match(ARGV[3], '^proposal/(.*)$')
if id and ARGV[7] ~= '' and get(id, 'mark') ~= ARGV[7] then return { 'OK', NOW } end
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
