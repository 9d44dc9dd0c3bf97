-- Give a lease back; quiet when somebody else has it by now.
-- ARGV    3 name, 4 token
-- Reply   OK
if redis.call('HGET', LEASE_TOKENS, ARGV[3]) == ARGV[4] then
  redis.call('HDEL', LEASE_TOKENS, ARGV[3])
  redis.call('ZREM', LEASE_UNTIL, ARGV[3])
end
return { 'OK', NOW }
