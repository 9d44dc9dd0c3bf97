-- Turns by their ids, each a line of one text, which a client reads many times faster than many values; one that has
-- given way meanwhile is left out.
-- ARGV    3… ids
-- Reply   OK lines ('' for none)
local found = {}
for at = 3, #ARGV do found[#found + 1] = redis.call('HGET', TURNS, ARGV[at]) or nil end
return { 'OK', NOW, table.concat(found, '\n') }
