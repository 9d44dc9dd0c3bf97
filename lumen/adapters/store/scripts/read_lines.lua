-- One plain read of one key of the service that answers many values, none of which holds a line break. They come as
-- lines of one text: a client reads one long answer many times faster than thousands of short ones.
-- ARGV    3 command, 4 which of KEYS, 5… its arguments
-- Reply   OK lines ('' for none)
local arguments = {}
for at = 5, #ARGV do arguments[at - 4] = ARGV[at] end
return { 'OK', NOW, table.concat(redis.call(ARGV[3], KEYS[tonumber(ARGV[4])], unpack(arguments)), '\n') }
