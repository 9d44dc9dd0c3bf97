-- Take a message that comes from outside at least once, mark it done, or give it back. Its memory is DEDUPE.
-- ARGV    3 step: take | done | back, 4 who takes it, 5 milliseconds to hold it, or to remember that it is done
-- Reply   OK | DONE (acted on before) | HELD (by somebody else)
local known = redis.call('GET', DEDUPE)
if known == 'done' then return { 'DONE', NOW } end
if ARGV[3] == 'take' then
  if known then return { 'HELD', NOW } end
  redis.call('SET', DEDUPE, ARGV[4], 'PX', ARGV[5])
elseif ARGV[3] == 'done' then
  redis.call('SET', DEDUPE, 'done', 'PX', ARGV[5])
elseif known == ARGV[4] then
  redis.call('DEL', DEDUPE)
end
return { 'OK', NOW }
