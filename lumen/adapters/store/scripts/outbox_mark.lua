-- Something that a surface shows has changed.
-- ARGV    3 surface, 4 'once': unless it was marked before; or ''
-- Reply   OK '1' where it was marked, else ''
if ARGV[4] ~= '' and redis.call('HEXISTS', MARKS, ARGV[3]) == 1 then return { 'OK', NOW, '' } end
mark(ARGV[3])
return { 'OK', NOW, '1' }
