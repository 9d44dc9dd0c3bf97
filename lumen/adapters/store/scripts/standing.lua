-- Whether anything stands that must be served: undecided, under way, to be shown, owed, open, to be paged, pinned to a
-- revision, or to end.
-- ARGV    3 controls that end before this moment (ISO 8601) are waited for
-- Reply   OK '1' or '', the time at which that was so
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

local stands = redis.call('EXISTS', UNFINISHED, DIRTY, OWED, ALERTS_OPEN) > 0
  or redis.call('HEXISTS', STANDING, 'pinned') == 1 or ends_soon() or owes_pager()
return { 'OK', NOW, stands and '1' or '', NOW }
