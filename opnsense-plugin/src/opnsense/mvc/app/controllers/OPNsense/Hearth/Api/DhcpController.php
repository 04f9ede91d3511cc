<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace OPNsense\Hearth\Api;

use OPNsense\Base\ApiControllerBase;
use OPNsense\Core\Backend;

/**
 * What the DHCP servers of this firewall say to machines that boot from the network, and what they
 * have to say. Every answer is the backend's own, or has `error` with a sentence.
 */
class DhcpController extends ApiControllerBase
{
    /** How long a plan or an apply may take, in seconds: each server is started anew. */
    private const LIMIT = 180;

    /** Most repairs of one apply: the backend takes a request of 4096 bytes. */
    private const MOST_REPAIRS = 200;

    /**
     * What is set, what should be, and why, for each interface and server, with what is in the way.
     */
    public function planAction()
    {
        return $this->ask('plan');
    }

    /**
     * Sets what the plan says, if it is still the one that had this `digest` (`-`: any), and repairs the
     * conflicts whose ids are in `repairs`.
     */
    public function applyAction()
    {
        if (!$this->request->isPost()) {
            return ['error' => gettext('This changes something: send it as a POST.')];
        }
        $this->throwReadOnly();
        $digest = $this->request->getPost('digest', null, '');
        $repairs = $this->request->getPost('repairs', null, []);
        if (!is_array($repairs)) {
            $repairs = explode(',', (string)$repairs);
        }
        $repairs = array_filter($repairs, fn ($id) => $id !== '');
        if (!is_string($digest) || !preg_match('/^(-|[0-9a-f]{64})$/D', $digest)) {
            return ['error' => gettext('Send the digest of the plan that was looked at, or - for any plan.')];
        } elseif (array_filter($repairs, fn ($id) => !is_string($id) || !preg_match('/^[0-9a-f]{12}$/D', $id)) !== []) {
            return ['error' => gettext('A repair is the id of a conflict of the plan.')];
        } elseif (count($repairs) > self::MOST_REPAIRS) {
            return ['error' => sprintf(gettext('At most %d repairs at a time.'), self::MOST_REPAIRS)];
        }
        return $this->ask('apply', [$digest, implode(',', $repairs) ?: '-']);
    }

    /**
     * Takes back exactly what apply has set and repaired.
     */
    public function revertAction()
    {
        if (!$this->request->isPost()) {
            return ['error' => gettext('This changes something: send it as a POST.')];
        }
        $this->throwReadOnly();
        return $this->ask('revert');
    }

    private function ask(string $what, array $parameters = []): array
    {
        $text = (new Backend())->configdpRun("hearth dhcp {$what}", $parameters, false, self::LIMIT);
        $answer = json_decode((string)$text, true);
        if (!is_array($answer)) {
            $text = trim((string)$text);
            return ['error' => $text !== '' ? $text : gettext('The backend does not answer. Its log says why.')];
        }
        $isRefused = in_array($answer['status'], ['failed', 'changed'], true);
        return $isRefused ? ['error' => $answer['message']] + $answer : $answer;
    }
}
