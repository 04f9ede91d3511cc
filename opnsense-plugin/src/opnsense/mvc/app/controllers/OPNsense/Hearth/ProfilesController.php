<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace OPNsense\Hearth;

use OPNsense\Base\IndexController;

class ProfilesController extends IndexController
{
    public function indexAction()
    {
        $this->view->pick('OPNsense/Hearth/profiles');
        foreach (['Profile', 'Answer', 'Variable'] as $kind) {
            $this->view->{"formDialog{$kind}"} = $this->getForm("dialog{$kind}");
            $this->view->{"formGrid{$kind}"} = $this->getFormGrid("dialog{$kind}");
        }
    }
}
