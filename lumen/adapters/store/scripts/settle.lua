-- What became of a click whose answer was lost; one that never arrived is kept from ever arriving.
-- DEDUPE  the click's memory
-- ARGV    3 milliseconds to remember the click
-- Reply   OK won|lost|voted|snoozed|never id row
local before = remembered()
if before and before[1] == 'OK' then return before end
redis.call('SET', DEDUPE, '-', 'PX', ARGV[3])
return { 'OK', NOW, 'never' }
