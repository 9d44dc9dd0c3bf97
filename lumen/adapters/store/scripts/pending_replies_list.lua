-- Answers that are owed for so long that whoever promised them may be gone.
-- ARGV    3 milliseconds, 4 the cursor of the page (0 begins), 5 about how many a page has
-- Reply   OK { click, whom, milliseconds since, … } the cursor of the next page, 0 after the last
local found = {}
local cursor, all = unpack(redis.call('HSCAN', OWED, ARGV[4], 'COUNT', ARGV[5]))
for at = 1, #all, 2 do
  local since, whom = string.match(all[at + 1], '^(%d+) (.*)$')
  local age = now - tonumber(since)
  if age < 0 then age = tonumber(ARGV[3]) end -- the store's clock stepped back: nobody knows
  if age >= tonumber(ARGV[3]) then
    found[#found + 1] = all[at]
    found[#found + 1] = whom
    found[#found + 1] = digits(age)
  end
end
return { 'OK', NOW, found, cursor }
