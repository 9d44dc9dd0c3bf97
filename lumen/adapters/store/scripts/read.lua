-- One plain read of one key of the service.
-- ARGV    3 command, 4 which of KEYS, 5… its arguments
-- Reply   OK what the command says
local arguments = {}
for at = 5, #ARGV do arguments[at - 4] = ARGV[at] end
return { 'OK', NOW, redis.call(ARGV[3], KEYS[tonumber(ARGV[4])], unpack(arguments)) }
