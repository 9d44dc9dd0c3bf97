-- Remember what a person wants that must be confirmed; it takes the place of what the same one asked for before.
-- ARGV    3 what, 4 who asks, 5 id of this asking, 6 milliseconds for which it can be confirmed
-- Reply   OK
-- Stored under "asked/<what>/<who>": until when (ms), then its id.
redis.call('HSET', STANDING, 'asked/' .. ARGV[3] .. '/' .. ARGV[4], digits(now + tonumber(ARGV[6])) .. '\n' .. ARGV[5])
return { 'OK', NOW }
