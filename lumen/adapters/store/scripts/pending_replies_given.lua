-- An answer was given, or helps nobody any more.
-- ARGV    3 click
-- Reply   OK
redis.call('HDEL', OWED, ARGV[3])
return { 'OK', NOW }
