-- Remember one thing that stands over the service, or forget it. Where a line in the channel tells of it, the line of
-- what stood there until now ends, and that of what stands there from now on begins.
-- ARGV    3 field, 4 value or '', 5 at, 6 actor, 7 event or '' (not audited), 8 detail,
--         9 the id of its line or '', 10 its line, 11 how the line before it ends,
--         12 the id of the line that must stand there now, or '' for any
-- Reply   OK whether there was one before
local field, line = ARGV[3], ARGV[9]
local before = redis.call('HGET', STANDING, field)
local line_before = redis.call('HGET', STANDING, 'line of/' .. field)
local is_other = ARGV[12] ~= '' and line_before ~= ARGV[12]
-- An older Lumen has ended the control and left its line, which ends now.
local is_left = not before and ARGV[4] == '' and line_before
if is_other or before == ARGV[4] or (not before and ARGV[4] == '' and not is_left) then
  return { 'OK', NOW, (before and not is_other) and '1' or '' }
end
if ARGV[4] == '' then
  redis.call('HDEL', STANDING, field)
else
  redis.call('HSET', STANDING, field, ARGV[4])
end
if ARGV[7] ~= '' and not is_left then audit(ARGV[5], ARGV[7], '', ARGV[6], ARGV[8], ARGV[4]) end

-- One line may tell of several fields; it ends with the last of them.
if line_before then
  redis.call('HDEL', STANDING, 'line of/' .. field)
  local goes_on = false
  for other in string.gmatch(redis.call('HGET', STANDING, 'line fields/' .. line_before) or '', '%S+') do
    goes_on = goes_on or redis.call('HGET', STANDING, 'line of/' .. other) == line_before
  end
  if not goes_on then
    redis.call('HSET', STANDING, 'line end/' .. line_before, ARGV[11])
    if ARGV[4] == '' then mark('control_note/' .. line_before .. '#ended') end
  end
  mark('control/' .. line_before)
end

if line ~= '' then
  local fields = redis.call('HGET', STANDING, 'line fields/' .. line)
  redis.call('HSET', STANDING, 'line/' .. line, ARGV[10], 'line of/' .. field, line,
    'line fields/' .. line, fields and (fields .. ' ' .. field) or field)
  mark('control/' .. line)
  if not fields then
    -- The oldest that have ended give way, a few at a time, so that memory stays bounded.
    local lines = redis.call('HGET', STANDING, 'lines')
    local kept, count = {}, 1
    for _ in string.gmatch(lines or '', '%S+') do count = count + 1 end
    for known in string.gmatch(lines or '', '%S+') do
      if count > 100 and redis.call('HEXISTS', STANDING, 'line end/' .. known) == 1 then
        redis.call('HDEL', STANDING, 'line/' .. known, 'line end/' .. known, 'line fields/' .. known)
        count = count - 1
      else
        kept[#kept + 1] = known
      end
    end
    kept[#kept + 1] = line
    redis.call('HSET', STANDING, 'lines', table.concat(kept, ' '))
  end
end
return { 'OK', NOW, before and '1' or '' }
