-- Whether anything stands that must be served: undecided, under way, to be shown, owed, open, to be paged, pinned to a
-- revision, or to end.
-- ARGV    3 controls that end before this moment (ISO 8601) are waited for
-- Reply   OK '1' or '', the time at which that was so, and where nothing stands but proposals that wait for people, of
--         each: when it was made, when it expires (ISO 8601), its deadline in milliseconds, '1' where it was reminded of
local function owes_pager()
  local ids = redis.call('ZRANGE', ALERT_ORDER, 0, -1)
  for _, id in ipairs(ids) do
    local pager = redis.call('HGET', ALERTS, 'pager/' .. id)
    local step = pager and cjson.decode(pager).step or cjson.null
    if step ~= cjson.null and step ~= 'resolve' then return true end
  end
  return false
end

local function ends_soon()
  for line in string.gmatch(redis.call('HGET', STANDING, 'lines') or '', '%S+') do
    local told = redis.call('HEXISTS', STANDING, 'line end/' .. line) == 0 and redis.call('HGET', STANDING, 'line/' .. line)
    local ends = told and cjson.decode(told)['until'] or cjson.null
    if ends ~= cjson.null and ends < ARGV[3] then return true end
  end
  return false
end

-- Whether anything is under way (it has no deadline any more) or to act by itself; what waits is put into `rows`.
local function is_under_way(rows)
  for _, id in ipairs(redis.call('ZRANGE', UNFINISHED, 0, -1)) do
    local deadline = redis.call('ZSCORE', DEADLINES, id)
    if not deadline or redis.call('ZSCORE', COUNTDOWNS, id) then return true end
    local is_reminded = redis.call('HEXISTS', MARKS, 'reminder/' .. id)
    for _, each in ipairs({ get(id, 'created_at'), get(id, 'expires_at'), digits(deadline), digits(is_reminded) }) do
      rows[#rows + 1] = each
    end
  end
  return false
end

local rows = {}
local stands = redis.call('EXISTS', DIRTY, OWED, ALERTS_OPEN) > 0 or is_under_way(rows)
  or redis.call('HEXISTS', STANDING, 'pinned') == 1 or ends_soon() or owes_pager()
return { 'OK', NOW, stands and '1' or '', NOW, rows }
