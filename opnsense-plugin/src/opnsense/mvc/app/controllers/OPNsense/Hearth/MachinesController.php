<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace OPNsense\Hearth;

use OPNsense\Base\IndexController;

class MachinesController extends IndexController
{
    public function indexAction()
    {
        Modules::give($this->view);
        $this->view->pick('OPNsense/Hearth/machines');
    }

    /**
     * One machine, by its number.
     */
    public function machineAction($number = '')
    {
        Modules::give($this->view);
        $this->view->number = preg_match('/^[0-9]{1,18}$/D', (string)$number) ? $number : '';
        $this->view->pick('OPNsense/Hearth/machine');
    }
}
