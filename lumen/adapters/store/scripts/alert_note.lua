-- What an incident's message says about rolling back.
-- ARGV    3 incident, 4 notes, 5 at
-- Reply   OK
if redis.call('HGET', ALERTS, 'notes/' .. ARGV[3]) ~= ARGV[4] then
  redis.call('HSET', ALERTS, 'notes/' .. ARGV[3], ARGV[4])
  mark('alert/' .. ARGV[3])
  audit(ARGV[5], 'rollback-note', '', 'lumen', ARGV[3], ARGV[4])
end
return { 'OK', NOW }
