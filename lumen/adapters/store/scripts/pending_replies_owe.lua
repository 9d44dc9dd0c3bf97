-- An answer that no other script keeps is owed from now on: a refusal, an error, or what is not known yet.
-- ARGV    3 click, 4 whom it is owed to, and what it says
-- Reply   OK
redis.call('HSET', OWED, ARGV[3], NOW .. ' ' .. ARGV[4])
return { 'OK', NOW }
