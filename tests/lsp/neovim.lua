-- Drives the server from a real Neovim. Older versions lack `-l`, so this file is run with `-S` and quits the editor
-- itself. Prints one line for each step; the last one is `done`.

local binary, root = vim.env.FLAKEWARD_BINARY, vim.env.FLAKEWARD_ROOT

local function say(text)
  io.stdout:write(text .. "\n")
end

local function fail(text)
  say("failed: " .. text)
  vim.cmd("cquit 1")
end

local function wait(what, condition)
  if not vim.wait(60000, condition, 50) then
    fail(what)
  end
end

local ok, problem = pcall(function()
  vim.cmd("edit " .. root .. "/redis.nix")
  local buffer = vim.api.nvim_get_current_buf()
  local client = vim.lsp.start_client({
    name = "flakeward",
    cmd = { binary, "lsp" },
    root_dir = root,
    workspace_folders = { { uri = vim.uri_from_fname(root), name = "test" } },
  })
  vim.lsp.buf_attach_client(buffer, client)
  wait("no diagnostics", function()
    return #vim.diagnostic.get(buffer) > 0
  end)
  local found = vim.diagnostic.get(buffer)[1]
  say(("diagnostic %s %d:%d"):format(found.code, found.lnum, found.col))

  -- Apply the fix, as the editor's own code action menu would.
  local params = vim.lsp.util.make_given_range_params({ found.lnum + 1, 0 }, { found.lnum + 1, 40 }, buffer, "utf-16")
  params.context = { diagnostics = {}, only = { "quickfix" } }
  local answers = vim.lsp.buf_request_sync(buffer, "textDocument/codeAction", params, 60000)
  local action = answers[client].result[1]
  say("action " .. action.title)
  vim.lsp.util.apply_workspace_edit(action.edit, "utf-16")
  wait("the finding is still there", function()
    return #vim.diagnostic.get(buffer) == 0
  end)
  say("fixed " .. table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), "|"))

  -- Rename the entry from its use.
  local line = vim.fn.search("ports.databases.redis")
  local column = vim.fn.match(vim.fn.getline(line), "redis;")
  vim.api.nvim_win_set_cursor(0, { line, column })
  local rename = vim.lsp.util.make_position_params(0, "utf-16")
  rename.newName = "cache"
  local renamed = vim.lsp.buf_request_sync(buffer, "textDocument/rename", rename, 60000)
  vim.lsp.util.apply_workspace_edit(renamed[client].result, "utf-16")
  say("renamed " .. table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), "|"))
  local registry = vim.fn.bufnr(root .. "/lib/ports.nix")
  say("registry " .. table.concat(vim.api.nvim_buf_get_lines(registry, 0, -1, false), "|"))
end)
if not ok then
  fail(problem)
end
say("done")
vim.cmd("qall!")
