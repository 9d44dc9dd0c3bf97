-- Slices, counted back from the newest one; oldest first, each a line of one text (turns_of.lua).
-- ARGV    3 the newest slice as the caller knows it, 4 how many of the newest are left out, 5 how many
-- Reply   OK lines ('' for none) | MOVED the newest slice
local newest, last = redis.call('HGET', STANDING, 'newest slice') or '', -1 - tonumber(ARGV[4])
if newest ~= ARGV[3] then return { 'MOVED', NOW, newest } end
return { 'OK', NOW, table.concat(redis.call('LRANGE', OBSERVATIONS, last - tonumber(ARGV[5]) + 1, last), '\n') }
