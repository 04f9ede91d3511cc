<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace OPNsense\Hearth\Api;

use OPNsense\Base\ApiMutableServiceControllerBase;
use OPNsense\Core\Backend;
use OPNsense\Hearth\Agent;

class ServiceController extends ApiMutableServiceControllerBase
{
    protected static $internalServiceClass = '\OPNsense\Hearth\Hearth';
    protected static $internalServiceEnabled = 'general.enabled';
    protected static $internalServiceName = 'hearth';

    /**
     * @param string $action of configd that answers with JSON
     * @return array status ok or failed, and for people `status_msg` and what the agent said, `details`
     */
    private function ask($action)
    {
        $answer = json_decode((new Backend())->configdRun("hearth {$action}", false, 180), true);
        if (!is_array($answer)) {
            return [
                'status' => 'failed',
                'status_msg' => gettext('The backend does not answer. Its log (System: Log Files) says why.'),
                'details' => '',
            ];
        }
        if ($answer['status'] !== 'ok') {
            $answer['status_msg'] = $answer['message'] ?? '';
        }
        return $answer;
    }

    /**
     * @param string $action start or restart
     * @return array as ask(), and `response` as other services of the core have it
     */
    private function begin($action)
    {
        if (!$this->request->isPost()) {
            return ['response' => [], 'status' => 'failed'];
        }
        $answer = $this->ask($action);
        $why = $answer['status'] === 'ok' && !$answer['running'] ? Agent::absent() : null;
        if ($why !== null) {
            $answer['status'] = 'failed';
            $answer['status_msg'] = $why['error'];
        }
        return ['response' => $answer['status'] === 'ok' ? 'OK' : $answer['status_msg']] + $answer;
    }

    public function startAction()
    {
        return $this->begin('start');
    }

    public function restartAction()
    {
        return $this->begin('restart');
    }

    /**
     * Brings what is declared into force. What the agent refuses changes nothing.
     */
    public function reconfigureAction()
    {
        return $this->request->isPost() ? $this->ask('apply') : ['status' => 'failed'];
    }

    /**
     * Says whether the agent would take what is declared, and whether it differs from what is in force.
     */
    public function checkAction()
    {
        return $this->request->isPost() ? $this->ask('check') : ['status' => 'failed'];
    }
}
