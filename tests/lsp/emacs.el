;;; emacs.el --- Drives the server from a real Emacs  -*- lexical-binding: t -*-

;;; Commentary:

;; emacs --batch --no-init-file --load emacs.el
;;
;; Prints one line for each step; the last one is `done'.  FLAKEWARD_CONFIGURATION is the configuration for eglot from
;; docs/editors.md.  `flakeward' is on PATH, as it is for users.

;;; Code:

;; Emacs includes eglot since version 29.  Debian has a package for older versions.
(package-initialize)
(require 'eglot)
(load (getenv "FLAKEWARD_CONFIGURATION") nil t)

;; Debian has no mode for Nix.
(unless (fboundp 'nix-mode)
  (define-derived-mode nix-mode prog-mode "Nix"))

(defun say (format &rest arguments)
  "Print a line: FORMAT with ARGUMENTS."
  (princ (concat (apply #'format format arguments) "\n")))

(defun text-of (buffer)
  "The lines of BUFFER, separated by bars."
  (with-current-buffer buffer
    (replace-regexp-in-string "\n" "|" (string-trim (buffer-string)))))

(defmacro wait-for (what &rest condition)
  "Wait until CONDITION is true; WHAT is the message if it never is."
  (declare (indent 1))
  `(let ((result nil)
         (deadline (+ (float-time) 60)))
     (while (not (setq result (progn ,@condition)))
       (when (> (float-time) deadline)
         (error "Timeout: %s" ,what))
       (accept-process-output nil 0.05))
     result))

;; There is no user to answer questions.
(setq eglot-confirm-server-initiated-edits nil
      eglot-autoshutdown nil
      eglot-sync-connect 60
      make-backup-files nil
      create-lockfiles nil)

(let* ((root (file-name-as-directory (getenv "FLAKEWARD_ROOT")))
       (buffer (find-file-noselect (concat root "redis.nix")))
       (registry (find-file-noselect (concat root "lib/ports.nix"))))
  (switch-to-buffer buffer)
  (nix-mode)
  (apply #'eglot (eglot--guess-contact))
  (say "server %s" (plist-get (eglot--server-info (eglot-current-server)) :name))

  (let ((found (car (wait-for "no diagnostics"
                      (flymake-start)
                      (flymake-diagnostics)))))
    (goto-char (flymake-diagnostic-beg found))
    (say "diagnostic %d:%d %s" (line-number-at-pos) (current-column)
         (car (split-string (flymake-diagnostic-text found) "\n"))))

  ;; Select the fix that Emacs marks as preferred in its menu.
  (let* ((actions (eglot-code-actions (point) (1+ (point)) "quickfix"))
         (preferred (cl-find-if (lambda (action) (eq (plist-get action :isPreferred) t)) actions)))
    (say "action %s" (plist-get preferred :title))
    (eglot--apply-workspace-edit (plist-get preferred :edit)))
  (wait-for "the finding is still there"
    (eglot--signal-textDocument/didChange)
    (flymake-start)
    (null (flymake-diagnostics)))
  (say "fixed %s" (text-of buffer))

  (goto-char (point-min))
  (search-forward "ports.databases.red")
  (eglot-rename "cache")
  (say "renamed %s" (text-of buffer))
  (say "registry %s" (text-of registry))
  (eglot-shutdown (eglot-current-server)))
(say "done")
