-- Drives the server from a Neovim with the configuration from docs/editors.md, which starts the server. Prints one line
-- for each step; the last one is `done`.

local root = vim.env.FLAKEWARD_ROOT

local function say(text)
  io.stdout:write(text .. "\n")
end

local function wait(what, condition)
  if not vim.wait(60000, condition, 50) then
    error("timeout: " .. what)
  end
end

local function text_of(buffer)
  return table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), "|")
end

local ok, problem = pcall(function()
  vim.cmd("edit " .. root .. "/redis.nix")
  local buffer = vim.api.nvim_get_current_buf()
  wait("no diagnostics", function()
    return #vim.diagnostic.get(buffer) > 0
  end)
  local found = vim.diagnostic.get(buffer)[1]
  say(("diagnostic %s %d:%d"):format(found.code, found.lnum, found.col))

  vim.api.nvim_win_set_cursor(0, { found.lnum + 1, found.col })
  vim.lsp.buf.code_action({
    apply = true,
    filter = function(action)
      return action.isPreferred
    end,
  })
  wait("the finding is still there", function()
    return #vim.diagnostic.get(buffer) == 0
  end)
  say("fixed " .. text_of(buffer))

  local line = vim.fn.search("ports.databases.redis")
  vim.api.nvim_win_set_cursor(0, { line, vim.fn.match(vim.fn.getline(line), "redis;") })
  vim.lsp.buf.rename("cache")
  wait("the entry still has its old name", function()
    return text_of(buffer):find("cache") ~= nil
  end)
  say("renamed " .. text_of(buffer))
  say("registry " .. text_of(vim.fn.bufnr(root .. "/lib/ports.nix")))
end)
if not ok then
  say("failed: " .. problem)
  vim.cmd("cquit 1")
end
say("done")
vim.cmd("qall!")
