-- What became of a click whose answer was lost; one that never arrived is kept from ever arriving.
-- DEDUPE  the click's memory, as in decide.lua
-- ARGV    3 milliseconds to remember the click
-- Reply   OK won|lost|voted|snoozed|never id row
local known = redis.call('GET', DEDUPE)
if not known or known == '-' then
  redis.call('SET', DEDUPE, '-', 'PX', ARGV[3])
  return { 'OK', NOW, 'never' }
end
local outcome, id = string.match(known, '^(%S+) (%S+)$')
return { 'OK', NOW, outcome, id, row(id) }
