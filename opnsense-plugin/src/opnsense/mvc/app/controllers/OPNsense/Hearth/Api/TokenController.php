<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace OPNsense\Hearth\Api;

use OPNsense\Base\ApiControllerBase;
use OPNsense\Core\Backend;

/**
 * Tokens for the agent's own API over TLS. They are made and kept by the agent, not in config.xml.
 */
class TokenController extends ApiControllerBase
{
    private const NAME = '/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$/D';

    private function ask($action, $parameters = [])
    {
        $answer = json_decode((new Backend())->configdpRun("hearth token {$action}", $parameters), true);
        return is_array($answer) ? $answer : ['error' => gettext('The backend does not answer.')];
    }

    public function searchAction()
    {
        $records = [];
        foreach ($this->ask('list')['tokens'] ?? [] as $token) {
            $when = fn($stamp) => empty($stamp) ? gettext('never') : date('Y-m-d H:i', intdiv((int)$stamp, 1000));
            $records[] = [
                'uuid' => $token['name'],
                'name' => $token['name'],
                'role' => $token['role'],
                'created' => $when($token['created'] ?? null),
                'expires' => $when($token['expires'] ?? null),
            ];
        }
        return $this->searchRecordsetBase($records, ['name', 'role', 'created', 'expires'], 'name');
    }

    public function addAction()
    {
        if (!$this->request->isPost()) {
            return ['error' => gettext('Ask with POST.')];
        }
        $this->throwReadOnly();
        $name = (string)$this->request->getPost('name', null, '');
        $role = (string)$this->request->getPost('role', null, '');
        $expires = (string)$this->request->getPost('expires', null, '');
        if (!preg_match(self::NAME, $name)) {
            return ['error' => gettext('A name has 1 to 64 letters, digits, dots, underscores or dashes.')];
        } elseif (!in_array($role, ['read', 'operate', 'admin'], true)) {
            return ['error' => gettext('A role is read, operate or admin.')];
        } elseif ($expires !== '' && !preg_match('/^[0-9]{1,5}[hd]$/D', $expires)) {
            return ['error' => gettext('A time is written as 12h or 90d.')];
        }
        return $this->ask('create', [$name, $role, $expires]);
    }

    public function delAction($name)
    {
        if (!$this->request->isPost() || !preg_match(self::NAME, (string)$name)) {
            return ['result' => 'failed'];
        }
        $this->throwReadOnly();
        $answer = $this->ask('revoke', [$name]);
        return ['result' => isset($answer['error']) ? 'failed' : 'deleted'] + $answer;
    }
}
