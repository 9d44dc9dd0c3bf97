-- An incident that somebody is on is handed over, or given back, which is the first call of another round. The newest
-- word holds.
-- ARGV    3 incident, 4 who is on it from now on or '', 5 at, 6 actor, 7 how many calls a round has
-- Reply   OK done|nobody|over
if not is_open_incident(ARGV[3]) then return { 'OK', NOW, 'over' } end
if redis.call('HEXISTS', ALERTS, 'taken/' .. ARGV[3]) == 0 then return { 'OK', NOW, 'nobody' } end
if ARGV[4] == '' then
  redis.call('HDEL', ALERTS, 'taken/' .. ARGV[3])
  local made = redis.call('HGET', ALERTS, 'mentions/' .. ARGV[3])
  if made then
    local number = (math.floor(cjson.decode(made).number / ARGV[7]) + 1) * ARGV[7]
    redis.call('HSET', ALERTS, 'mentions/' .. ARGV[3], cjson.encode({ number = number, at = ARGV[5] }))
  end
else
  redis.call('HSET', ALERTS, 'taken/' .. ARGV[3], ARGV[4])
end
audit(ARGV[5], ARGV[4] == '' and 'given-back' or 'handed-over', '', ARGV[6], ARGV[3], ARGV[4])
mark('alert/' .. ARGV[3])
return { 'OK', NOW, 'done' }
