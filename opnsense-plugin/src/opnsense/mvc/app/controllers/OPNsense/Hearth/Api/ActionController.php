<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace OPNsense\Hearth\Api;

use OPNsense\Base\ApiControllerBase;
use OPNsense\Hearth\Agent;

/**
 * What people have the running agent do. Nothing here changes the configuration.
 */
class ActionController extends ApiControllerBase
{
    /**
     * Does something with a machine: `action` and `value` as the agent's API calls them, or `wake`.
     */
    public function machineAction($machine = '')
    {
        return $this->done('act', [$machine, $this->text('action'), $this->text('value')]);
    }

    /**
     * Begins to fetch `names` (with commas; everything if empty), and does not wait.
     */
    public function fetchAction()
    {
        return $this->done('fetch', [$this->text('names')]);
    }

    /**
     * Fetches `names` (with commas) anew and pins what comes, and does not wait.
     */
    public function updateAction()
    {
        return $this->done('update', [$this->text('names')]);
    }

    /**
     * Removes fetched files that nothing refers to any more.
     */
    public function pruneAction()
    {
        return $this->done('prune', []);
    }

    public function cancelAction($number = '')
    {
        return $this->done('cancel', [$number]);
    }

    private function done(string $what, array $with): array
    {
        if (!$this->request->isPost()) {
            return ['error' => gettext('Only POST.'), 'state' => 'refused'];
        }
        $this->throwReadOnly();
        /* the agent's audit log says who it was, not that the backend is root */
        return Agent::ask($what, [...$with, (string)$this->getUserName()]);
    }

    private function text(string $key): string
    {
        $value = $this->request->getPost($key);
        return is_string($value) ? $value : '';
    }
}
