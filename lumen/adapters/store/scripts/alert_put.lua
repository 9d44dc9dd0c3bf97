-- Something that an incident's message shows and the audit does not tell: figures by revision, moments that have passed.
-- ARGV    3 incident, 4 what it is, 5 its text
-- Reply   OK
local name = ARGV[4] .. '/' .. ARGV[3]
if redis.call('HEXISTS', ALERTS, 'alert/' .. ARGV[3]) == 1 and (redis.call('HGET', ALERTS, name) or '') ~= ARGV[5] then
  redis.call('HSET', ALERTS, name, ARGV[5])
  mark('alert/' .. ARGV[3])
end
return { 'OK', NOW }
