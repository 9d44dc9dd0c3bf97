-- Where a service's look stands: its newest slice, the alerts that are told and open, labels of incidents, silences.
-- ARGV    3… fields of STANDING, one for each silence that there can be
-- Reply   OK newest slice or '' how often slices were corrected, or '' { alert, … } { label, … } { silence, … }
local open, labels, silences = {}, {}, {}
for _, id in ipairs(redis.call('ZRANGE', ALERTS_OPEN, 0, -1)) do
  open[#open + 1] = redis.call('HGET', ALERTS, 'alert/' .. id) or nil
end
for _, id in ipairs(redis.call('ZRANGE', ALERT_ORDER, 0, -1)) do
  labels[#labels + 1] = redis.call('HGET', ALERTS, 'label/' .. id) or nil
end
for at = 3, #ARGV do silences[#silences + 1] = redis.call('HGET', STANDING, ARGV[at]) or nil end
local newest, corrections = redis.call('HGET', STANDING, 'newest slice'), redis.call('HGET', STANDING, 'corrections')
return { 'OK', NOW, newest or '', corrections or '', open, labels, silences }
