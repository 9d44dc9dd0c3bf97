-- What the pager outside of Slack has taken, or why it will not be tried again.
-- ARGV    3 incident, 4 state, 5 at, 6 event or '' (not audited), 7 '1' when the incident's message says it
-- Reply   OK
redis.call('HSET', ALERTS, 'pager/' .. ARGV[3], ARGV[4])
if ARGV[6] ~= '' then audit(ARGV[5], ARGV[6], '', 'lumen', ARGV[3], ARGV[4]) end
if ARGV[7] == '1' then mark('alert/' .. ARGV[3]) end
return { 'OK', NOW }
