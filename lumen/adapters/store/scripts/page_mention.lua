-- The people on call are mentioned once more, or it is said that they are not any more.
-- ARGV    3 incident, 4 number, 5 at, 6 mentions, 7 '1' when a message of its own says it, 8 event
-- Reply   OK
local known = redis.call('HGET', ALERTS, 'mentions/' .. ARGV[3])
if known and cjson.decode(known).number >= tonumber(ARGV[4]) then return { 'OK', NOW } end
redis.call('HSET', ALERTS, 'mentions/' .. ARGV[3], ARGV[6])
if ARGV[8] == 'calls-ended' then mark('alert/' .. ARGV[3]) end
if ARGV[7] == '1' then
  mark('mention/' .. ARGV[3] .. '#' .. ARGV[4])
  audit(ARGV[5], ARGV[8], '', 'lumen', ARGV[3], ARGV[6])
end
return { 'OK', NOW }
