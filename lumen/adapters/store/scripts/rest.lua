-- Take services out of the hint, each only where nobody has raised it since. Stands alone: it is no service's key.
-- KEYS    1 the hint
-- ARGV    member, the score that was seen, member, …
-- Reply   how many were taken out
local out = 0
for at = 1, #ARGV, 2 do
  if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[at]) or '-1') == tonumber(ARGV[at + 1]) then
    out = out + redis.call('ZREM', KEYS[1], ARGV[at])
  end
end
return out
